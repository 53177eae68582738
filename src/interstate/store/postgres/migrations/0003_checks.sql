-- What a pipeline must not get past: COMMIT is sent together with the writes before it, so these end the transaction.
CREATE FUNCTION expect(rows BIGINT, wanted BIGINT, what TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN IF rows <> wanted THEN RAISE EXCEPTION '%', what USING ERRCODE = 'IS001'; END IF; END $$;
-- Whether a node is still itself. The lock makes a takeover wait for this commit, and this commit for a takeover.
CREATE FUNCTION fence(mine BIGINT, drawn BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN PERFORM 1 FROM nodes WHERE number = mine AND epoch = drawn FOR SHARE
; IF NOT FOUND THEN RAISE EXCEPTION 'another node declared this one dead' USING ERRCODE = 'IS002'; END IF; END $$;
