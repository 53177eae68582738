-- What an execution was restarted from: {"execution": ARN, "state": name, "event": number or 0}.

ALTER TABLE states_executions ADD COLUMN restarted TEXT;
