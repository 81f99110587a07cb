CREATE VIEW highest AS SELECT name FROM stations WHERE altitude = (SELECT max(altitude) FROM stations);
