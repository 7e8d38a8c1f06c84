DROP TABLE rollups;
DROP TABLE reached;
DROP TABLE progress;
