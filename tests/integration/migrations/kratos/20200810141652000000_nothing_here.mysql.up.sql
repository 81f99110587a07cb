CREATE TABLE `of_mysql` (`id` INTEGER);
