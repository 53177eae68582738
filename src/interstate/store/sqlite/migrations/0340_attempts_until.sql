-- How long an attempt's messages are hidden: whoever changes that ends the attempt.
-- Attempts live for five minutes; those of before tell nothing, and end.
ALTER TABLE receive_attempts ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
