-- The counters of a day go with its executions.
CREATE INDEX counters_by_hour ON counters (hour);

-- What began before is not kept any more. Moves in the transaction that drops it, and never back.
CREATE TABLE retention (
    class text PRIMARY KEY,
    kept_since timestamptz NOT NULL
);
