CREATE TABLE "sessions" (
"id" UUID NOT NULL,
PRIMARY KEY("id"),
"identity_id" UUID NOT NULL,
"expires_at" timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
FOREIGN KEY ("identity_id") REFERENCES "identities" ("id") ON DELETE cascade
);
