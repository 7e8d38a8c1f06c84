DROP TABLE catalog_markers, dead_letters, outbox, counters, message_keys, activities, timers, mailboxes,
    running_executions, executions, customers, conversations, partitions, runners;
