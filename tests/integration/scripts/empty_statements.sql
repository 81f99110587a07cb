;;
INSERT INTO journal VALUES ('empty', '1');;;
; -- x
;
