-- The roles and databases, made once on an empty volume. Roles have no password: certificates open them.

CREATE ROLE temporal LOGIN;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;

CREATE ROLE hydranet LOGIN;
CREATE DATABASE hydranet OWNER hydranet;

-- Extensions that the owners may not create themselves.
\connect temporal_visibility
CREATE EXTENSION btree_gin;
\connect hydranet
CREATE EXTENSION vector;
