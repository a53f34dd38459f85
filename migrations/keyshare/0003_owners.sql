-- Envelopes know their owner from here on, which programs of before cannot open: this keeps them from trying.

COMMENT ON COLUMN public."2_key_shares".enc_share IS
    'Format 2 made since migration 3 is bound to the type of login and name of its owner and to the epoch of the share.';
