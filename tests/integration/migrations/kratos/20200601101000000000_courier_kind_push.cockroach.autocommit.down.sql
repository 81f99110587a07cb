DROP INDEX "of_cockroach";
