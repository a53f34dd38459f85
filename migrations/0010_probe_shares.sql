-- Probes that callers ask for are shared out: nobody can use up the hour of all the others.

-- The network that an order came from; NULL for the operator.
ALTER TABLE probe_requests ADD COLUMN source text;

-- Takes an order, unless the limits of the hour allow no more.
--
-- An order is taken while those of the hour, and those of its own payment or network once more, are below the limit: a
-- caller alone gets half of it, the next half of the rest, and so on, so something is left for whoever has had nothing.
-- Looks, which cost next to nothing, get at most half of the hour. Orders wait for each other, so none slips through.
CREATE FUNCTION submit_probe(
    in_id bytea, in_url text, in_dry_run boolean, in_include_credential boolean, in_max_amount bigint,
    in_fee_limit bigint, in_holder bytea, in_source text, in_per_hour bigint, in_per_holder bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    everybody bigint;
    same_holder bigint;
    same_source bigint;
    looks bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('assay probe requests', 0));
    SELECT count(*), count(*) FILTER (WHERE holder = in_holder), count(*) FILTER (WHERE source = in_source),
        count(*) FILTER (WHERE dry_run)
    INTO everybody, same_holder, same_source, looks
    FROM probe_requests WHERE created_at > now() - interval '1 hour' AND state <> 'dropped';
    IF same_holder >= in_per_holder OR everybody + greatest(same_holder, same_source) >= in_per_hour
        OR (in_dry_run AND looks * 2 >= in_per_hour)
    THEN
        RETURN false;
    END IF;
    INSERT INTO probe_requests (id, url, dry_run, include_credential, max_amount_msat, fee_limit_msat, holder, source)
    VALUES (in_id, in_url, in_dry_run, in_include_credential, in_max_amount, in_fee_limit, in_holder, in_source);
    PERFORM pg_notify('probe_requests', encode(in_id, 'hex'));
    RETURN true;
END
$$;
