"""Networks of others whose features compare pictures. Training needs none of them."""
