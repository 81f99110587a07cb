DROP TABLE `of_mysql`;
