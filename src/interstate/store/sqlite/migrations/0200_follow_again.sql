-- A mapping looks at its stream again by itself while another node has records of it in hand: then, and once at a time.
ALTER TABLE lambda_lanes ADD COLUMN look_at INTEGER;
