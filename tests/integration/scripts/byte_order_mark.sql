INSERT INTO journal VALUES ('bom', 'é€𝄞;');
