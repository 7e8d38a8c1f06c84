-- Careful work after a take-over: inputs are applied one at a time. Of the frame after applied_seq the inputs of this partition
-- at places below applied_inputs are applied; the next one has been begun so many times without coming to an end.
ALTER TABLE partitions ADD COLUMN applied_inputs integer NOT NULL DEFAULT 0;
ALTER TABLE partitions ADD COLUMN tries integer NOT NULL DEFAULT 0;

-- What a runner did since its last renewal, for those who watch.
ALTER TABLE runners ADD COLUMN renewed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE runners ADD COLUMN commits_per_second real NOT NULL DEFAULT 0;
ALTER TABLE runners ADD COLUMN inputs_per_second real NOT NULL DEFAULT 0;

-- A dead letter is one input, or a whole frame that cannot be read (position 0, nothing known of it). What is known of an
-- input is kept beside its bytes, so that it can be found; payload is a turnloom.v1.Input, or a turnloom.v1.Frame.
ALTER TABLE dead_letters ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE dead_letters ADD COLUMN kind smallint NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN account_id uuid;
ALTER TABLE dead_letters ADD COLUMN partition integer;
ALTER TABLE dead_letters ADD COLUMN channel text;
ALTER TABLE dead_letters ADD COLUMN customer_id text;
ALTER TABLE dead_letters ADD COLUMN message_id text;
ALTER TABLE dead_letters ADD COLUMN message_key uuid;
ALTER TABLE dead_letters ADD COLUMN execution_id uuid;
ALTER TABLE dead_letters ADD COLUMN retried_at timestamptz;
CREATE UNIQUE INDEX dead_letters_by_id ON dead_letters (id);
CREATE INDEX dead_letters_by_account ON dead_letters (account_id, id DESC);
CREATE INDEX dead_letters_by_message ON dead_letters (message_key) WHERE message_key IS NOT NULL;
