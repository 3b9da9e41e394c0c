#!/bin/sh
# The image runs this once, for a new cluster: each server gets its own role and database.
set -eu
for name in mlflow prefect; do
  variable="$(echo "$name" | tr '[:lower:]' '[:upper:]')_DB_PASSWORD"
  psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<SQL
\getenv password $variable
CREATE ROLE $name LOGIN PASSWORD :'password';
CREATE DATABASE $name OWNER $name;
SQL
done
