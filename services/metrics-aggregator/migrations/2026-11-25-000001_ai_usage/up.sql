-- What AI answers took: how many were given, how often the fallback was taken, a model's tokens, and their cost in millionths.
ALTER TABLE rollups
    ADD COLUMN ai_answers bigint NOT NULL DEFAULT 0,
    ADD COLUMN ai_fallbacks bigint NOT NULL DEFAULT 0,
    ADD COLUMN ai_prompt_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN ai_completion_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN ai_cost_micros bigint NOT NULL DEFAULT 0;
