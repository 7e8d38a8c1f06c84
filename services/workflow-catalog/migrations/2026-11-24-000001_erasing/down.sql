DROP INDEX workflows_to_erase;
