-- The roles of the mission, once per server: two owners that cannot log in, a member of each as Vault would make it,
-- and the provisioner, who owns what no refresh may touch. Passwords come from postgres.rs as psql variables.
CREATE ROLE provisioner NOLOGIN SUPERUSER;
CREATE ROLE erp_role NOLOGIN;
CREATE ROLE erp_sandbox_role NOLOGIN;
CREATE ROLE "v-prod-1" LOGIN PASSWORD :'prod_password' IN ROLE erp_role;
CREATE ROLE "v-sandbox-1" LOGIN PASSWORD :'sandbox_password' IN ROLE erp_sandbox_role;
CREATE DATABASE erp OWNER erp_role;
CREATE DATABASE "erp-sandbox" OWNER provisioner;
REVOKE ALL ON DATABASE erp, "erp-sandbox" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE erp TO erp_role;
GRANT CONNECT, TEMPORARY ON DATABASE "erp-sandbox" TO erp_sandbox_role;
