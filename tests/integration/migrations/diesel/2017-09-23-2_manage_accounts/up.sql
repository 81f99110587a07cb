SELECT diesel_manage_updated_at('accounts');
