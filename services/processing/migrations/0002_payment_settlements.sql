-- How a payment problem was put right; null: it still waits for somebody.
ALTER TABLE payment_problems
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN settled_reason text,
    ADD COLUMN settled_parameters text; -- JSON, as the reason has them
DROP INDEX payment_problems_by_time;
CREATE INDEX payment_problems_by_time ON payment_problems ((settled_at IS NOT NULL), reported_at, number, version);
