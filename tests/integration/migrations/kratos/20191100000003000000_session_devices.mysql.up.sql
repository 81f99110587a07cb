CREATE TABLE `session_devices` (`id` CHAR(36), `user_agent` VARCHAR(512)) ENGINE=InnoDB;
