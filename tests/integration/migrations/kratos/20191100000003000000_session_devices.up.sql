CREATE TABLE "session_devices" (
  "id" CHAR(36) NOT NULL PRIMARY KEY,
  "user_agent" VARCHAR(512)
);
