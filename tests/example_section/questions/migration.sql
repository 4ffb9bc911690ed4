CREATE TABLE kzopen.example_question (
    id uuid PRIMARY KEY,
    state text NOT NULL,
    agency_id text NOT NULL,
    asker text NOT NULL,
    text text NOT NULL,
    answer text,
    asked timestamptz NOT NULL
);
CREATE INDEX example_question_waiting ON kzopen.example_question (agency_id, asked) WHERE state = 'received';
