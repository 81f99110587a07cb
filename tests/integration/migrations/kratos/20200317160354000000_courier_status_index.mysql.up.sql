CREATE INDEX `courier_messages_of_mysql` ON `courier_messages` (`status`);
