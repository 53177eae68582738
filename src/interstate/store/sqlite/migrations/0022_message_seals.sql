-- A notification lies in its queue unsigned: seal says with what it is signed when it is read for the first time.
-- Empty: the body is as it will be read.
ALTER TABLE messages ADD COLUMN seal TEXT NOT NULL DEFAULT '';
