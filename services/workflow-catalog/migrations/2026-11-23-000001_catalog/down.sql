DROP TABLE revisions;
DROP TABLE workflows;
