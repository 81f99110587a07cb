

	 INSERT	INTO

 journalVALUES ('blanks',	'1')

	;
 
