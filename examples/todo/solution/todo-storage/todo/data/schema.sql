create table if not exists tasks (
    id integer primary key autoincrement, -- an id is never given out twice
    title text not null,
    completed integer not null default 0 check (completed in (0, 1)),
    created_at text not null -- ISO 8601, UTC
);
