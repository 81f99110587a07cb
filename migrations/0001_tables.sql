-- Regions have departments, departments have cities. Rows are never removed: deleted_at says since when one is gone.
-- The columns have the order, types and names of the databases that are already in production.

CREATE TABLE regions (
    name varchar(100) NOT NULL,
    id serial NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id)
);

CREATE TABLE departments (
    name varchar(100) NOT NULL,
    region_id integer NOT NULL REFERENCES regions (id),
    id serial NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id)
);

CREATE TABLE cities (
    name varchar(255) NOT NULL,
    department_id integer NOT NULL REFERENCES departments (id),
    latitude double precision,
    longitude double precision,
    id serial NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id),
    CONSTRAINT check_latitude_range CHECK (latitude IS NULL OR (latitude >= -90 AND latitude <= 90)),
    CONSTRAINT check_longitude_range CHECK (longitude IS NULL OR (longitude >= -180 AND longitude <= 180))
);
