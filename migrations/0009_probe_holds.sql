-- A probe that its caller is charged for before it ends is tied to the hold that this charge settles: what is not used goes
-- back only if that very hold was earned.

ALTER TABLE probe_requests ADD COLUMN charged_hold bytea CHECK (octet_length(charged_hold) = 16);
-- One charge is made good by one order.
CREATE UNIQUE INDEX probe_requests_charged_hold ON probe_requests (charged_hold);
-- A charge of before has no hold to be tied to; it is over unless its probe was under way during the migration.
UPDATE probe_requests SET refunded_at = now() WHERE charged_msat IS NOT NULL AND refunded_at IS NULL;
ALTER TABLE probe_requests DROP COLUMN charged_hash;

-- Gives a part of what one hold has earned back to its credit. A repeated reference has no second effect.
CREATE FUNCTION refund_hold(hold bytea, amount bigint, ref text, OUT outcome text, OUT remaining bigint)
LANGUAGE plpgsql AS $$
DECLARE
    ending ledger_entries%ROWTYPE;
    is_open boolean;
    owner credits%ROWTYPE;
BEGIN
    -- Asked in this order, because a hold ends by moving from the one table to the other.
    SELECT EXISTS (SELECT FROM holds WHERE hold_id = hold) INTO is_open;
    IF is_open THEN outcome := 'open'; RETURN; END IF;
    SELECT * INTO ending FROM ledger_entries WHERE hold_id = hold AND kind IN ('settle', 'release');
    IF ending.kind IS DISTINCT FROM 'settle' THEN outcome := 'unearned'; RETURN; END IF;
    SELECT * INTO owner FROM credits WHERE payment_hash = ending.payment_hash FOR UPDATE;
    remaining := owner.paid_msat - owner.spent_msat;
    IF EXISTS (SELECT FROM ledger_entries WHERE reference = ref) THEN outcome := 'done'; RETURN; END IF;
    IF owner.closed_at IS NOT NULL THEN outcome := 'closed'; RETURN; END IF;
    IF amount > ending.amount_msat THEN outcome := 'too_much'; RETURN; END IF;
    UPDATE credits SET spent_msat = spent_msat - amount WHERE payment_hash = owner.payment_hash;
    INSERT INTO ledger_entries (kind, payment_hash, route, amount_msat, reference)
    VALUES ('refund', owner.payment_hash, ending.route, amount, ref);
    remaining := remaining + amount;
    outcome := 'refunded';
END
$$;
