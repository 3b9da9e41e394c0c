# job.sbatch sources this file on every node. It derives Landloom's variables from those of SLURM.
# SLURM starts one task a node, and `accelerate launch` one process for each GPU.

nodes=${SLURM_JOB_NUM_NODES:-1}
export LANDLOOM_NODE_RANK=${SLURM_NODEID:-0}

gpus=${SLURM_GPUS_ON_NODE:-0}
# LANDLOOM_PROCESSES is the number of processes on each node without GPUs.
each=${LANDLOOM_PROCESSES:-$((gpus > 0 ? gpus : 1))}

if [ $((nodes * each)) -gt 1 ]; then
  settings=infra/accelerate/multi-gpu.yaml
  if [ "$nodes" -gt 1 ]; then settings=infra/accelerate/multi-node.yaml; fi
  if [ "$gpus" = 0 ]; then settings=infra/accelerate/two-cpu.yaml; fi
  first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
  port=$((20000 + SLURM_JOB_ID % 20000)) # each job has its own port, because two jobs may share a node
  LANDLOOM_LAUNCH="--config_file $settings --num_processes $((nodes * each)) --num_machines $nodes"
  LANDLOOM_LAUNCH="$LANDLOOM_LAUNCH --machine_rank $LANDLOOM_NODE_RANK"
  export LANDLOOM_LAUNCH="$LANDLOOM_LAUNCH --main_process_ip $first --main_process_port $port"
fi

# A worker locks its folder. With a home directory on a shared disk, each node needs a folder of its own.
if [ "$LANDLOOM_NODE_RANK" != 0 ]; then
  export LANDLOOM_WORK="${LANDLOOM_WORK:-$HOME/.cache/landloom}/node-$LANDLOOM_NODE_RANK"
fi
