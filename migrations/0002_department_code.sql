-- What a department and a city are found by: the department's code ('1', '2A', '971') and the postal code ('01000').
-- A city is the same when its name and postal code are.

ALTER TABLE departments
    ADD COLUMN code_departement varchar(3) NOT NULL,
    ADD CONSTRAINT uq_department_code UNIQUE (code_departement);
CREATE INDEX idx_department_code ON departments (code_departement);

ALTER TABLE cities
    ADD COLUMN code_postal varchar(5) NOT NULL,
    ADD CONSTRAINT uq_city_name_code_postal UNIQUE (name, code_postal);
CREATE INDEX idx_city_code_postal ON cities (code_postal);
CREATE INDEX idx_city_department_id ON cities (department_id);
CREATE INDEX idx_city_name ON cities (name);
