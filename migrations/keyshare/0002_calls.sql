-- The calls of a key share node, each one statement and so one transaction of one round trip. What fails undoes all of it
-- and is told by its SQLSTATE:
--   KS001 user not found        KS002 wallet not found     KS003 another user's wallet   KS004 share not found
--   KS005 wallet exists         KS006 too many calls       KS007 call made before        KS008 session not committed
--   KS009 epoch of the key has gone: read the epochs anew   KS010 share's epoch is another
--   KS011 passkey has another key   KS012 refresh not found   KS013 session exists   KS014 the share changed meanwhile
-- The message is the curve, where there is one.

-- Appends to the chain. The lock is held until the transaction ends, so callers do this last.
CREATE FUNCTION keyshare.append_audit(p_actions text[], p_subjects text[], p_outcomes text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_seq bigint;
    v_hash bytea;
    v_next bytea;
    v_at text;
BEGIN
    -- "ks-audit" in ASCII.
    PERFORM pg_advisory_xact_lock(7742582080984607092);
    SELECT seq, hash INTO v_seq, v_hash FROM public."2_audit" ORDER BY seq DESC LIMIT 1;
    IF NOT FOUND THEN
        v_seq := 0;
        v_hash := decode(repeat('00', 32), 'hex');
    END IF;
    FOR i IN 1 .. cardinality(p_actions) LOOP
        v_seq := v_seq + 1;
        v_at := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
        -- JSON with sorted members and no spaces.
        v_next := sha256(convert_to(
            'assay-audit-v1' || chr(10) || '{"action":"' || p_actions[i] || '","at":"' || v_at || '","outcome":"'
                || p_outcomes[i] || '","prev":"' || encode(v_hash, 'hex') || '","seq":' || v_seq || ',"subject":"'
                || p_subjects[i] || '"}',
            'UTF8'
        ));
        INSERT INTO public."2_audit" (seq, at, action, subject, outcome, prev, hash)
        VALUES (v_seq, v_at, p_actions[i], p_subjects[i], p_outcomes[i], v_hash, v_next);
        v_hash := v_next;
    END LOOP;
    RETURN v_seq;
END
$$;

-- Opens a session. A token's hash is used once, also after its session is gone.
CREATE FUNCTION keyshare.commit_session(
    p_session uuid, p_operation text, p_client_key bytea, p_token_hash text, p_protocol smallint, p_now timestamptz,
    p_expires timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public."2_used_token_hashes" (id_token_hash, expires_at)
    VALUES (p_token_hash, p_now + interval '48 hours')
    ON CONFLICT (id_token_hash) DO UPDATE SET expires_at = EXCLUDED.expires_at
        WHERE "2_used_token_hashes".expires_at < p_now;
    IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS013', MESSAGE = 'token'; END IF;
    INSERT INTO public."2_commit_reveal_sessions" (
        session_id, operation_type, client_ephemeral_pubkey, id_token_hash, state, protocol, created_at, expires_at
    ) VALUES (p_session, p_operation, p_client_key, p_token_hash, 'COMMITTED', p_protocol, p_now, p_expires)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS013', MESSAGE = 'session'; END IF;
END
$$;

-- Records a call of a session before its work. Of calls at the same time one goes on; the others wait and are refused.
CREATE FUNCTION keyshare.take_call(p_session uuid, p_api text, p_signature bytea, p_ends boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_state text;
BEGIN
    IF p_session IS NULL THEN RETURN; END IF;
    INSERT INTO public."2_commit_reveal_api_calls" (session_id, api_name, signature)
    VALUES (p_session, p_api, p_signature) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS007', MESSAGE = 'repeated'; END IF;
    -- Another call may have ended the session since it was read.
    SELECT state INTO v_state FROM public."2_commit_reveal_sessions" WHERE session_id = p_session FOR NO KEY UPDATE;
    IF v_state IS DISTINCT FROM 'COMMITTED' THEN RAISE EXCEPTION USING ERRCODE = 'KS008', MESSAGE = 'state'; END IF;
    IF p_ends THEN
        UPDATE public."2_commit_reveal_sessions" SET state = 'COMPLETED' WHERE session_id = p_session;
    END IF;
END
$$;

-- Counts a call of a person in the running hour.
CREATE FUNCTION keyshare.count_call(p_subject bytea, p_kind smallint, p_limit integer, p_now bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    INSERT INTO public."2_identity_limits" AS l (subject, kind, window_start, count)
    VALUES (p_subject, p_kind, p_now, 1)
    ON CONFLICT (subject, kind) DO UPDATE SET
        count = CASE WHEN l.window_start <= p_now - 3600000 THEN 1 ELSE l.count + 1 END,
        window_start = CASE WHEN l.window_start <= p_now - 3600000 THEN p_now ELSE l.window_start END
    RETURNING count INTO v_count;
    IF v_count > p_limit THEN RAISE EXCEPTION USING ERRCODE = 'KS006', MESSAGE = 'limit'; END IF;
END
$$;

-- Holds the epoch in which rows are about to be written: the next one does not begin before this transaction ends.
CREATE FUNCTION keyshare.hold_epoch(p_kek_epoch integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_kek_epoch IS NULL THEN RETURN; END IF;
    PERFORM FROM public."2_kek_epochs" WHERE epoch = p_kek_epoch AND state = 'active' FOR SHARE;
    IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS009', MESSAGE = 'epoch'; END IF;
END
$$;

-- A user by name or newer name; NULL for nobody.
CREATE FUNCTION keyshare.find_user(p_auth_type text, p_id text) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT user_id FROM public."2_users" WHERE auth_type = p_auth_type AND user_auth_id = p_id),
        (SELECT user_id FROM public."2_identity_alias" WHERE auth_type = p_auth_type AND user_auth_id = p_id)
    )
$$;

-- A user who has logged in: an old row is bound to the first who proves to have its name.
CREATE FUNCTION keyshare.resolve_user(p_auth_type text, p_id text, p_former text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid := keyshare.find_user(p_auth_type, p_id);
BEGIN
    IF v_user IS NOT NULL OR p_former IS NULL THEN RETURN v_user; END IF;
    INSERT INTO public."2_identity_alias" (auth_type, user_auth_id, user_id)
    SELECT auth_type, p_id, user_id FROM public."2_users" WHERE auth_type = p_auth_type AND user_auth_id = p_former
    ON CONFLICT DO NOTHING;
    RETURN (SELECT user_id FROM public."2_identity_alias" WHERE auth_type = p_auth_type AND user_auth_id = p_id);
END
$$;

-- What a share's owner is given, in the order of the keys that were asked for.
CREATE TYPE keyshare.found_share AS (
    curve_type text, public_key bytea, share_id text, wallet_id text, enc_share bytea, format smallint,
    share_epoch integer, verifying_share bytea, commitments bytea[]
);

-- The shares of a user. Where the wallet comes first, a wallet that nobody has is told before a user who is not known.
CREATE FUNCTION keyshare.find_shares(
    p_user uuid, p_curves text[], p_keys bytea[], p_wallet_first boolean
) RETURNS SETOF keyshare.found_share LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_wallet uuid;
    v_exists boolean;
    v_row keyshare.found_share;
BEGIN
    IF p_user IS NULL AND NOT p_wallet_first THEN RAISE EXCEPTION USING ERRCODE = 'KS001', MESSAGE = 'user'; END IF;
    FOR i IN 1 .. cardinality(p_curves) LOOP
        SELECT wallet_id INTO v_wallet FROM public."2_wallets"
        WHERE user_id = p_user AND curve_type = p_curves[i] AND public_key = p_keys[i];
        IF NOT FOUND THEN
            v_exists := EXISTS (
                SELECT FROM public."2_wallets" WHERE public_key = p_keys[i] AND curve_type = p_curves[i]
            );
            IF v_exists AND p_user IS NULL THEN RAISE EXCEPTION USING ERRCODE = 'KS001', MESSAGE = 'user'; END IF;
            IF v_exists THEN RAISE EXCEPTION USING ERRCODE = 'KS003', MESSAGE = p_curves[i]; END IF;
            RAISE EXCEPTION USING ERRCODE = 'KS002', MESSAGE = p_curves[i];
        END IF;
        SELECT p_curves[i], p_keys[i], share_id::text, wallet_id::text, enc_share, format, share_epoch, verifying_share,
            commitments
        INTO v_row FROM public."2_key_shares" WHERE wallet_id = v_wallet;
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS004', MESSAGE = p_curves[i]; END IF;
        RETURN NEXT v_row;
    END LOOP;
END
$$;

-- Gives shares to their owner. Without a session the caller writes the audit, before it answers.
CREATE FUNCTION keyshare.get_shares(
    p_session uuid, p_api text, p_signature bytea, p_ends boolean, p_subject bytea, p_limit integer, p_now bigint,
    p_actions text[], p_subjects text[], p_outcomes text[],
    p_auth_type text, p_id text, p_former text, p_curves text[], p_keys bytea[]
) RETURNS SETOF keyshare.found_share LANGUAGE plpgsql AS $$
BEGIN
    -- Nothing here is lost that matters: the count of an hour.
    IF p_session IS NULL THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
    PERFORM keyshare.take_call(p_session, p_api, p_signature, p_ends);
    PERFORM keyshare.count_call(p_subject, 1::smallint, p_limit, p_now);
    RETURN QUERY SELECT * FROM keyshare.find_shares(
        keyshare.resolve_user(p_auth_type, p_id, p_former), p_curves, p_keys, false
    );
    IF p_session IS NOT NULL THEN PERFORM keyshare.append_audit(p_actions, p_subjects, p_outcomes); END IF;
END
$$;

-- Keeps shares of new wallets. p_mode: register makes the user where there is none; add wants a user with a wallet of
-- secp256k1.
CREATE FUNCTION keyshare.register_shares(
    p_session uuid, p_api text, p_signature bytea, p_ends boolean, p_subject bytea, p_limit integer, p_now bigint,
    p_actions text[], p_subjects text[], p_outcomes text[],
    p_auth_type text, p_id text, p_former text, p_passkey bytea, p_mode text,
    p_curves text[], p_keys bytea[], p_wallets uuid[], p_shares uuid[], p_enc bytea[], p_format smallint,
    p_kek_epoch integer, p_verifying bytea[], p_commitments bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid;
BEGIN
    PERFORM keyshare.take_call(p_session, p_api, p_signature, p_ends);
    PERFORM keyshare.count_call(p_subject, 2::smallint, p_limit, p_now);
    PERFORM keyshare.hold_epoch(p_kek_epoch);
    v_user := keyshare.resolve_user(p_auth_type, p_id, p_former);
    IF v_user IS NULL AND p_mode = 'add' THEN RAISE EXCEPTION USING ERRCODE = 'KS001', MESSAGE = 'user'; END IF;
    IF v_user IS NULL THEN
        -- Somebody else may make the same user now: then this waits and takes it.
        INSERT INTO public."2_users" (auth_type, user_auth_id) VALUES (p_auth_type, p_id)
        ON CONFLICT (auth_type, user_auth_id) DO NOTHING;
        v_user := keyshare.find_user(p_auth_type, p_id);
    END IF;
    IF p_mode = 'add' AND NOT EXISTS (
        SELECT FROM public."2_wallets" WHERE user_id = v_user AND curve_type = 'secp256k1'
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'KS002', MESSAGE = 'secp256k1';
    END IF;
    IF p_passkey IS NOT NULL THEN
        INSERT INTO public."2_passkey_keys" (user_auth_id, public_key) VALUES (p_id, p_passkey)
        ON CONFLICT (user_auth_id) DO NOTHING;
        IF NOT EXISTS (SELECT FROM public."2_passkey_keys" WHERE user_auth_id = p_id AND public_key = p_passkey) THEN
            RAISE EXCEPTION USING ERRCODE = 'KS011', MESSAGE = 'passkey';
        END IF;
    END IF;
    FOR i IN 1 .. cardinality(p_curves) LOOP
        INSERT INTO public."2_wallets" (wallet_id, user_id, curve_type, public_key)
        VALUES (p_wallets[i], v_user, p_curves[i], p_keys[i])
        ON CONFLICT (user_id, curve_type, public_key) DO NOTHING;
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS005', MESSAGE = p_curves[i]; END IF;
        INSERT INTO public."2_key_shares" (
            share_id, wallet_id, enc_share, status, format, kek_epoch, verifying_share, commitments
        ) VALUES (
            p_shares[i], p_wallets[i], p_enc[i], 'active', p_format, p_kek_epoch, p_verifying[i],
            keyshare.split_points(p_commitments[i], octet_length(p_keys[i]))
        );
    END LOOP;
    PERFORM keyshare.append_audit(p_actions, p_subjects, p_outcomes);
END
$$;

-- Points that stand one behind the other, as an array.
CREATE FUNCTION keyshare.split_points(p_points bytea, p_size integer) RETURNS bytea[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_points IS NULL THEN NULL ELSE ARRAY(
        SELECT substring(p_points FROM 1 + n * p_size FOR p_size)
        FROM generate_series(0, octet_length(p_points) / p_size - 1) n ORDER BY n
    ) END
$$;

-- The shares that a caller compares or works with, before anything is written.
CREATE FUNCTION keyshare.read_shares(
    p_auth_type text, p_id text, p_former text, p_curves text[], p_keys bytea[], p_wallet_first boolean
) RETURNS SETOF keyshare.found_share LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT * FROM keyshare.find_shares(
        keyshare.resolve_user(p_auth_type, p_id, p_former), p_curves, p_keys, p_wallet_first
    );
END
$$;

-- Stamps shares that their owner has shown to have, if they still are what was compared.
CREATE FUNCTION keyshare.confirm_shares(
    p_session uuid, p_api text, p_signature bytea, p_ends boolean, p_subject bytea, p_limit integer, p_now bigint,
    p_actions text[], p_subjects text[], p_outcomes text[],
    p_shares uuid[], p_epochs integer[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM keyshare.take_call(p_session, p_api, p_signature, p_ends);
    PERFORM keyshare.count_call(p_subject, 2::smallint, p_limit, p_now);
    FOR i IN 1 .. cardinality(p_shares) LOOP
        UPDATE public."2_key_shares" SET status = 'active', reshared_at = now(), updated_at = now()
        WHERE share_id = p_shares[i] AND share_epoch = p_epochs[i];
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS014', MESSAGE = 'changed'; END IF;
    END LOOP;
    PERFORM keyshare.append_audit(p_actions, p_subjects, p_outcomes);
END
$$;

-- The wallets of a user.
CREATE FUNCTION keyshare.list_wallets(
    p_session uuid, p_api text, p_signature bytea, p_ends boolean, p_subject bytea, p_limit integer, p_now bigint,
    p_actions text[], p_subjects text[], p_outcomes text[],
    p_auth_type text, p_id text, p_former text
) RETURNS TABLE (curve_type text, public_key bytea, share_epoch integer, created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_user uuid;
BEGIN
    PERFORM keyshare.take_call(p_session, p_api, p_signature, p_ends);
    PERFORM keyshare.count_call(p_subject, 1::smallint, p_limit, p_now);
    v_user := keyshare.resolve_user(p_auth_type, p_id, p_former);
    RETURN QUERY SELECT w.curve_type::text, w.public_key, s.share_epoch, w.created_at, s.updated_at
        FROM public."2_wallets" w JOIN public."2_key_shares" s ON s.wallet_id = w.wallet_id
        WHERE w.user_id = v_user ORDER BY w.created_at, w.curve_type DESC LIMIT 1000;
    PERFORM keyshare.append_audit(p_actions, p_subjects, p_outcomes);
END
$$;

-- Whether a user has wallets with shares, for calls of a session; the limit is that of reads.
CREATE FUNCTION keyshare.check_shares(
    p_session uuid, p_api text, p_signature bytea, p_ends boolean, p_subject bytea, p_limit integer, p_now bigint,
    p_kind smallint, p_auth_type text, p_id text, p_former text, p_curves text[], p_keys bytea[]
) RETURNS TABLE (is_there boolean) LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM keyshare.take_call(p_session, p_api, p_signature, p_ends);
    PERFORM keyshare.count_call(p_subject, p_kind, p_limit, p_now);
    v_user := CASE WHEN p_session IS NULL THEN keyshare.find_user(p_auth_type, p_id)
        ELSE keyshare.resolve_user(p_auth_type, p_id, p_former) END;
    FOR i IN 1 .. cardinality(p_curves) LOOP
        is_there := EXISTS (
            SELECT FROM public."2_wallets" w JOIN public."2_key_shares" s ON s.wallet_id = w.wallet_id
            WHERE w.user_id = v_user AND w.curve_type = p_curves[i] AND w.public_key = p_keys[i]
        );
        RETURN NEXT;
    END LOOP;
END
$$;

-- Erases wallets: what is sealed is overwritten, then every row goes; the user with the last one. The audit stays.
CREATE FUNCTION keyshare.delete_shares(
    p_session uuid, p_api text, p_signature bytea, p_ends boolean, p_subject bytea, p_limit integer, p_now bigint,
    p_actions text[], p_subjects text[], p_outcomes text[],
    p_auth_type text, p_id text, p_former text, p_curves text[], p_keys bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid;
    v_share keyshare.found_share;
    v_id uuid;
BEGIN
    PERFORM keyshare.take_call(p_session, p_api, p_signature, p_ends);
    PERFORM keyshare.count_call(p_subject, 2::smallint, p_limit, p_now);
    v_user := keyshare.resolve_user(p_auth_type, p_id, p_former);
    FOR v_share IN SELECT * FROM keyshare.find_shares(v_user, p_curves, p_keys, false) LOOP
        v_id := v_share.share_id::uuid;
        -- Commits and aborts of refreshes lock the share first, too.
        PERFORM FROM public."2_key_shares" WHERE share_id = v_id FOR UPDATE;
        UPDATE public."2_share_history" SET enc_share = '' WHERE share_id = v_id;
        DELETE FROM public."2_share_history" WHERE share_id = v_id;
        UPDATE public."2_pending_refreshes" SET enc_share = '' WHERE share_id = v_id;
        DELETE FROM public."2_pending_refreshes" WHERE share_id = v_id;
        UPDATE public."2_key_shares" SET enc_share = decode(repeat('00', octet_length(enc_share)), 'hex')
        WHERE share_id = v_id;
        DELETE FROM public."2_key_shares" WHERE share_id = v_id;
        DELETE FROM public."2_wallets" WHERE wallet_id = v_share.wallet_id::uuid;
    END LOOP;
    -- Somebody may register for this user now: the row's lock decides who is first.
    PERFORM FROM public."2_users" WHERE user_id = v_user FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public."2_wallets" WHERE user_id = v_user) THEN
        DELETE FROM public."2_identity_alias" WHERE user_id = v_user;
        DELETE FROM public."2_passkey_keys" WHERE user_auth_id = p_id AND p_auth_type = 'webauthn';
        DELETE FROM public."2_users" WHERE user_id = v_user;
    END IF;
    PERFORM keyshare.append_audit(p_actions, p_subjects, p_outcomes);
END
$$;

-- Keeps shares of the next epoch until their refresh is committed; a preparation before is replaced.
CREATE FUNCTION keyshare.prepare_refresh(
    p_session uuid, p_api text, p_signature bytea, p_ends boolean, p_subject bytea, p_limit integer, p_now bigint,
    p_actions text[], p_subjects text[], p_outcomes text[],
    p_refresh uuid, p_expires timestamptz, p_shares uuid[], p_epochs integer[], p_sizes integer[], p_enc bytea[],
    p_format smallint, p_kek_epoch integer, p_verifying bytea[], p_commitments bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM keyshare.take_call(p_session, p_api, p_signature, p_ends);
    PERFORM keyshare.count_call(p_subject, 2::smallint, p_limit, p_now);
    PERFORM keyshare.hold_epoch(p_kek_epoch);
    FOR i IN 1 .. cardinality(p_shares) LOOP
        PERFORM FROM public."2_key_shares" WHERE share_id = p_shares[i] AND share_epoch = p_epochs[i] - 1 FOR UPDATE;
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS010', MESSAGE = 'epoch'; END IF;
        DELETE FROM public."2_pending_refreshes" WHERE share_id = p_shares[i];
        INSERT INTO public."2_pending_refreshes" (
            share_id, refresh_id, share_epoch, enc_share, format, kek_epoch, verifying_share, commitments, expires_at
        ) VALUES (
            p_shares[i], p_refresh, p_epochs[i], p_enc[i], p_format, p_kek_epoch, p_verifying[i],
            keyshare.split_points(p_commitments[i], p_sizes[i]), p_expires
        );
    END LOOP;
    PERFORM keyshare.append_audit(p_actions, p_subjects, p_outcomes);
END
$$;

-- Makes prepared shares the current ones, all of a refresh or none, and keeps those before. A refresh was counted when it
-- was prepared: it must not end at one node and be refused at another.
CREATE FUNCTION keyshare.commit_refresh(
    p_session uuid, p_api text, p_signature bytea, p_ends boolean, p_subject bytea, p_limit integer, p_now bigint,
    p_actions text[], p_subjects text[], p_outcomes text[],
    p_auth_type text, p_id text, p_former text, p_refresh uuid, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid;
    v_pending record;
    v_count integer := 0;
BEGIN
    PERFORM keyshare.take_call(p_session, p_api, p_signature, p_ends);
    v_user := keyshare.resolve_user(p_auth_type, p_id, p_former);
    FOR v_pending IN
        SELECT p.* FROM public."2_key_shares" s
            JOIN public."2_wallets" w ON w.wallet_id = s.wallet_id
            JOIN public."2_pending_refreshes" p ON p.share_id = s.share_id
        WHERE p.refresh_id = p_refresh AND p.expires_at > p_at AND w.user_id = v_user
        ORDER BY s.share_id FOR UPDATE OF s, p
    LOOP
        INSERT INTO public."2_share_history" (
            share_id, share_epoch, refresh_id, enc_share, format, kek_epoch, verifying_share, commitments,
            superseded_at, expires_at
        )
        SELECT share_id, share_epoch, p_refresh, enc_share, format, kek_epoch, verifying_share, commitments,
            p_at, p_at + interval '24 hours'
        FROM public."2_key_shares" WHERE share_id = v_pending.share_id AND share_epoch = v_pending.share_epoch - 1;
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS010', MESSAGE = 'epoch'; END IF;
        UPDATE public."2_key_shares" SET enc_share = v_pending.enc_share, format = v_pending.format,
            kek_epoch = v_pending.kek_epoch, verifying_share = v_pending.verifying_share,
            commitments = v_pending.commitments, share_epoch = v_pending.share_epoch, updated_at = now()
        WHERE share_id = v_pending.share_id;
        -- What could be gone back to before cannot any more.
        DELETE FROM public."2_share_history" WHERE share_id = v_pending.share_id
            AND share_epoch < v_pending.share_epoch - 1;
        DELETE FROM public."2_pending_refreshes" WHERE share_id = v_pending.share_id;
        v_count := v_count + 1;
    END LOOP;
    IF v_count = 0 THEN RAISE EXCEPTION USING ERRCODE = 'KS012', MESSAGE = 'refresh'; END IF;
    PERFORM keyshare.append_audit(p_actions, p_subjects, p_outcomes);
END
$$;

-- Gives up a refresh: what is prepared goes; what is committed goes back, as long as the share before is kept.
CREATE FUNCTION keyshare.abort_refresh(
    p_session uuid, p_api text, p_signature bytea, p_ends boolean, p_subject bytea, p_limit integer, p_now bigint,
    p_actions text[], p_subjects text[], p_outcomes text[],
    p_auth_type text, p_id text, p_former text, p_refresh uuid, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid;
    v_former record;
    v_count integer;
BEGIN
    PERFORM keyshare.take_call(p_session, p_api, p_signature, p_ends);
    v_user := keyshare.resolve_user(p_auth_type, p_id, p_former);
    PERFORM FROM public."2_key_shares" s JOIN public."2_wallets" w ON w.wallet_id = s.wallet_id
    WHERE w.user_id = v_user AND s.share_id IN (
        SELECT share_id FROM public."2_pending_refreshes" WHERE refresh_id = p_refresh
        UNION SELECT share_id FROM public."2_share_history" WHERE refresh_id = p_refresh
    ) ORDER BY s.share_id FOR UPDATE OF s;
    DELETE FROM public."2_pending_refreshes" p USING public."2_key_shares" s, public."2_wallets" w
    WHERE p.refresh_id = p_refresh AND s.share_id = p.share_id AND w.wallet_id = s.wallet_id AND w.user_id = v_user;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    FOR v_former IN
        SELECT h.* FROM public."2_share_history" h JOIN public."2_key_shares" s ON s.share_id = h.share_id
            JOIN public."2_wallets" w ON w.wallet_id = s.wallet_id
        WHERE h.refresh_id = p_refresh AND h.expires_at > p_at AND w.user_id = v_user ORDER BY h.share_id
    LOOP
        UPDATE public."2_key_shares" SET enc_share = v_former.enc_share, format = v_former.format,
            kek_epoch = v_former.kek_epoch, verifying_share = v_former.verifying_share,
            commitments = v_former.commitments, share_epoch = v_former.share_epoch, updated_at = now()
        WHERE share_id = v_former.share_id AND share_epoch = v_former.share_epoch + 1;
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'KS010', MESSAGE = 'epoch'; END IF;
        DELETE FROM public."2_share_history" WHERE share_id = v_former.share_id
            AND share_epoch = v_former.share_epoch;
        -- Prepared on top of what is gone.
        DELETE FROM public."2_pending_refreshes" WHERE share_id = v_former.share_id;
        v_count := v_count + 1;
    END LOOP;
    IF v_count = 0 THEN RAISE EXCEPTION USING ERRCODE = 'KS012', MESSAGE = 'refresh'; END IF;
    PERFORM keyshare.append_audit(p_actions, p_subjects, p_outcomes);
END
$$;

-- Adds the node's next key, if nobody else has meanwhile. Returns whether it did.
CREATE FUNCTION keyshare.add_keypair(
    p_keypair uuid, p_public_key bytea, p_private_key text, p_signature bytea, p_after integer, p_at timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- "ks-node " in ASCII.
    PERFORM pg_advisory_xact_lock(7742582136718517536);
    IF (SELECT max(version) FROM public."2_server_keypairs") IS DISTINCT FROM p_after THEN RETURN false; END IF;
    UPDATE public."2_server_keypairs" SET is_active = false, rotated_at = p_at, updated_at = p_at WHERE is_active;
    INSERT INTO public."2_server_keypairs" (
        keypair_id, version, public_key, enc_private_key, is_active, signature, created_at, updated_at
    ) OVERRIDING SYSTEM VALUE VALUES (p_keypair, coalesce(p_after, 0) + 1, p_public_key, p_private_key, true, p_signature, p_at, p_at);
    RETURN true;
END
$$;

-- Begins an epoch, unless one is being retired already. Returns the active epoch.
CREATE FUNCTION keyshare.begin_epoch() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    -- "ks-epoch" in ASCII.
    PERFORM pg_advisory_xact_lock(7742582098081309544);
    IF NOT EXISTS (SELECT FROM public."2_kek_epochs" WHERE state = 'retiring') THEN
        UPDATE public."2_kek_epochs" SET state = 'retiring' WHERE state = 'active';
        INSERT INTO public."2_kek_epochs" (epoch, state)
        SELECT coalesce(max(epoch), 0) + 1, 'active' FROM public."2_kek_epochs";
    END IF;
    RETURN (SELECT epoch FROM public."2_kek_epochs" WHERE state = 'active');
END
$$;

-- Retires epochs that no row needs. Returns how many are left to retire.
CREATE FUNCTION keyshare.retire_epochs() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public."2_kek_epochs" e SET state = 'retired', retired_at = now() WHERE state = 'retiring'
        AND NOT EXISTS (SELECT FROM public."2_key_shares" WHERE kek_epoch = e.epoch)
        AND NOT EXISTS (SELECT FROM public."2_share_history" WHERE kek_epoch = e.epoch)
        AND NOT EXISTS (SELECT FROM public."2_pending_refreshes" WHERE kek_epoch = e.epoch);
    RETURN (SELECT count(*) FROM public."2_kek_epochs" WHERE state = 'retiring');
END
$$;

-- Puts newly sealed bytes in the place of old ones, where they still are: a row that changed meanwhile is left as it is.
-- Returns how many rows were written.
CREATE FUNCTION keyshare.reseal(
    p_table text, p_shares uuid[], p_old bytea[], p_new bytea[], p_format smallint, p_kek_epoch integer,
    p_verifying bytea[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    PERFORM keyshare.hold_epoch(p_kek_epoch);
    -- One of three names, from the program and not from callers.
    EXECUTE format(
        'UPDATE public.%I t SET enc_share = n.new_share, format = $4, kek_epoch = $5,
            verifying_share = coalesce(t.verifying_share, n.verifying)
        FROM unnest($1, $2, $3, $6) AS n (share_id, old_share, new_share, verifying)
        WHERE t.share_id = n.share_id AND t.enc_share = n.old_share',
        p_table
    ) USING p_shares, p_old, p_new, p_format, p_kek_epoch, p_verifying;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;
