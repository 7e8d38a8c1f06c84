DROP TABLE uploads;
DROP TABLE passages;
DROP TABLE documents;
DROP TABLE knowledge_bases;
