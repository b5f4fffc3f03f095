-- Lines for a Prosody (0.12 is tested) that works with the SMS gateway. Copy
-- this file to /etc/prosody/conf.d, keep of it what you need, and run
-- "prosodyctl check config" and "systemctl reload prosody".
--
-- As a bot the gateway needs nothing but an account: "prosodyctl adduser
-- sms-bot@example.org". In goip.toml:
--
--   [bridge.chat]
--   kind = "xmpp"
--   mode = "client"
--   jid = "sms-bot@example.org"
--   password = "the password of the account"
--
-- An evening with many SMS may be more than the stock limits let through
-- (10 kB in a second). They slow down, nothing is lost; this sets the bot free:
unlimited_jids = { "sms-bot@example.org" }

-- As a component every number is a contact: +36301234567@sms.example.org.
--
--   1. Put your domain in the place of sms.example.org, and a long random secret
--      ("openssl rand -hex 24") in the place of replace-me.
--   2. If people of other servers are to write to it, the domain needs a record
--      in the DNS that points here, and a certificate.
--   3. In goip.toml:
--
--      [bridge.chat]
--      kind = "xmpp"
--      mode = "component"
--      jid = "sms.example.org"
--      password = "the secret"
--      server = "127.0.0.1:5347"
--
-- The port of components is in clear; leave it on this machine.
component_interfaces = { "127.0.0.1" }

Component "sms.example.org"
	component_secret = "replace-me"
	-- A gateway that comes back before its old connection is seen to be dead
	-- takes the place of that one, rather than being refused.
	component_conflict_resolve = "kick_old"
