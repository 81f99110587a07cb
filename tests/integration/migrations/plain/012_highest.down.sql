DROP VIEW highest;
