SELECT no_such_function_of_all_dialects();
