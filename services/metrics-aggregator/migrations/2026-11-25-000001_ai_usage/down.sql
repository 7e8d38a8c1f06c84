ALTER TABLE rollups
    DROP COLUMN ai_answers,
    DROP COLUMN ai_fallbacks,
    DROP COLUMN ai_prompt_tokens,
    DROP COLUMN ai_completion_tokens,
    DROP COLUMN ai_cost_micros;
