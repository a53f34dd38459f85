-- Free requests: how many a client network has made of an account (a service, or one route of it) on a UTC day.
CREATE TABLE free_allowances (
    day     date NOT NULL,
    account text NOT NULL,
    -- In CIDR form: IPv4 /24, IPv6 /48.
    network text NOT NULL,
    used    bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (day, account, network)
) WITH (fillfactor = 70); -- room for HOT updates: used is in no index
