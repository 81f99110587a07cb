"""Goal: the wait goes on exactly as long as trying again can help, whatever language the server speaks, and is sure of it.

A scripted server gives the answers that a real one does not give on demand. Not here: real servers (test_wait.py).
"""

import itertools
import re
import ssl
import subprocess

import pytest

from harness import settings
from scripted_postgres import ScriptedPostgres, delays, error, hang_up, refuse, reset, stay_silent, welcome

SEVERITIES = ["FATAL", "PANIQUE", "ВАЖНО", "ÖLÜMCÜL (FATAL)"]
TRANSIENT = {
    "57P01": "arrêt des connexions suite à la demande de l'administrateur",
    "57P02": "arrêt de la connexion à cause de l'arrêt brutal d'un autre processus serveur",
    "57P03": "le système de bases de données se lance",
    "53300": "désolé, trop de clients sont déjà connectés",
    "08000": "erreur de connexion",
    "08001": "connexion impossible",
    "08004": "connexion rejetée",
    "08006": "la connexion a échoué",
    "08P01": "le serveur ne répond pas encore",
}
LASTING = {
    "28P01": "authentification par mot de passe échouée pour l'utilisateur « u »",
    "28000": "aucune entrée dans pg_hba.conf pour l'hôte",
    "3D000": "la base de données « d » n'existe pas",
    "42501": "droit refusé pour la base de données « d »",
    "42704": "paramètre de configuration « x » non reconnu",
    "55000": "la base de données « d » n'accepte plus les connexions",
}


def assert_waited_out(run, server, reason, **more):
    """The server's first answer is `reason`, its second a login."""
    done = run("wait", env=settings(server.url, DATABASE_WAIT_TIMEOUT="25s", **more))
    assert done.code == 0, done
    assert re.search(rf"PostgreSQL is not ready: cannot (connect|log in) to u@127\.0\.0\.1:{server.port}/d: "
                     rf".*{re.escape(reason)}.*; trying again in \d+ ms\n", done.text), done
    assert f"PostgreSQL is ready: u@127.0.0.1:{server.port}/d (attempt 2, after " in done.text
    assert server.logins == 2
    assert "s3cr3t" not in done.text


def assert_given_up_at_once(run, url, reason, hint, **more):
    done = run("wait", env=settings(url, DATABASE_WAIT_TIMEOUT="25s", **more))
    assert done.code == 3, done
    assert reason in done.text
    assert f"hint: {hint}" in done.text
    assert "trying again" not in done.text
    assert "s3cr3t" not in done.text


@pytest.mark.parametrize("sqlstate, severity", zip(TRANSIENT, itertools.cycle(SEVERITIES)))
def test_a_passing_refusal_is_waited_out_in_any_language(run, sqlstate, severity):
    with ScriptedPostgres(refuse(sqlstate, TRANSIENT[sqlstate], severity), welcome()) as server:
        assert_waited_out(run, server, f"port {server.port} failed: {TRANSIENT[sqlstate]} ({sqlstate})")


@pytest.mark.parametrize("sqlstate, severity", zip(LASTING, itertools.cycle(SEVERITIES)))
def test_a_lasting_refusal_ends_it_at_once_in_any_language(run, sqlstate, severity):
    with ScriptedPostgres(refuse(sqlstate, LASTING[sqlstate], severity)) as server:
        reason = (f"cannot log in to u@127.0.0.1:{server.port}/d: connection to server at \"127.0.0.1\", "
                  f"port {server.port} failed: {LASTING[sqlstate]} ({sqlstate}); ")
        assert_given_up_at_once(run, server.url, reason, "")
        assert server.logins == 1


def test_the_code_decides_and_not_the_words(run):
    with ScriptedPostgres(refuse("57P03", "password authentication failed, no password supplied"), welcome()) as server:
        assert_waited_out(run, server, "no password supplied (57P03)")
    with ScriptedPostgres(refuse("28P01", "the database system is starting up")) as server:
        assert_given_up_at_once(run, server.url, "is starting up (28P01)", "check DATABASE_USER and DATABASE_PASSWORD")


def test_a_message_in_another_encoding_is_read(run):
    """Before the login the server does not know the client's encoding and sends its own."""
    with ScriptedPostgres(refuse("57P03", "démarrage", "FATAL", encoding="latin-1"), welcome()) as server:
        assert_waited_out(run, server, "marrage (57P03)", LOG_FORMAT="text")


@pytest.mark.parametrize("answer", [hang_up, reset])
def test_a_server_that_hangs_up_is_waited_out(run, answer):
    with ScriptedPostgres(answer, welcome()) as server:
        assert_waited_out(run, server, "server closed the connection unexpectedly")


@pytest.mark.parametrize("query, reason", [
    (error("57P01", "arrêt", "FATAL", "utf-8"), "arrêt (57P01)"),
    (error("08P01", "query_wait_timeout", "FATAL", "utf-8"), "query_wait_timeout (08P01)"),
    (b"", "did not answer in time"),
], ids=["shutdown", "pooler", "silence"])
def test_a_session_that_does_not_begin_is_waited_out(run, query, reason):
    """As a pooler does that lets clients in before it has a server for them."""
    with ScriptedPostgres(welcome(query=query), welcome()) as server:
        done = run("wait", env=settings(server.url, DATABASE_WAIT_TIMEOUT="25s"))
        assert done.code == 0, done
        name = rf"u@127\.0\.0\.1:{server.port}/d"
        assert re.search(rf"PostgreSQL is not ready: .*{name}.*{re.escape(reason)}; trying again in", done.text), done
        assert server.logins == 2


def test_a_missing_database_is_waited_for_where_that_is_asked(run):
    for words, more in ((["--wait-for-database"], {}), ([], {"WAIT_FOR_DATABASE": "true"})):
        with ScriptedPostgres(refuse("3D000", LASTING["3D000"]), welcome()) as server:
            done = run("wait", *words, env=settings(server.url, DATABASE_WAIT_TIMEOUT="25s", **more))
            assert done.code == 0, done
            assert "la base de données « d » n'existe pas (3D000); trying again in" in done.text
    with ScriptedPostgres(refuse("28P01", LASTING["28P01"])) as server:
        assert_given_up_at_once(run, server.url, "(28P01)", "check DATABASE_USER", WAIT_FOR_DATABASE="true")


@pytest.mark.parametrize("wanted, reason, answer", [
    ("read-write", "session is read-only", {"default_transaction_read_only": "on"}),
    ("read-only", "session is not read-only", {}),
    ("primary", "server is in hot standby mode", {"in_hot_standby": "on"}),
    ("standby", "server is not in hot standby mode", {}),
])
def test_a_failover_is_waited_out(run, wanted, reason, answer):
    """No host suits target_session_attrs, until one changes its role."""
    suits = {"in_hot_standby": "on", "default_transaction_read_only": "on"} if wanted in ("read-only", "standby") else {}
    with ScriptedPostgres(welcome(**answer)) as one, ScriptedPostgres(welcome(**answer), welcome(**suits)) as other:
        hosts = f"127.0.0.1:{one.port},127.0.0.1:{other.port}"
        url = f"postgresql://u:s3cr3t@{hosts}/d?target_session_attrs={wanted}"
        done = run("wait", env=settings(url, DATABASE_WAIT_TIMEOUT="25s"))
        assert done.code == 0, done
        assert re.search(rf"not ready: cannot connect to u@{hosts}/d: .*failed: {reason}; trying again", done.text), done
        assert (one.logins, other.logins) == (2, 2)


def test_a_host_that_starts_beside_one_that_is_down_is_waited_for(run, free_port):
    with ScriptedPostgres(refuse("57P03"), welcome()) as server:
        for hosts in (f"127.0.0.1:{server.port},127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()},127.0.0.1:{server.port}"):
            server.logins = 0
            done = run("wait", env=settings(f"postgresql://u:s3cr3t@{hosts}/d", DATABASE_WAIT_TIMEOUT="25s"))
            assert done.code == 0, done
            assert "(57P03); trying again" in done.text


@pytest.mark.parametrize("options, code, reason", [
    ("sslmode=maybe", 3, 'invalid sslmode value: "maybe"'),
    ("target_session_attrs=any-way", 3, 'invalid target_session_attrs value: "any-way"'),
    ("keepalives_idle=soon", 3, 'invalid integer value "soon" for connection option "keepalives_idle"'),
    ("hostaddr=nowhere", 3, 'could not parse network address "nowhere"'),
    ("sslmode=require", 3, "server does not support SSL, but SSL was required"),
    ("gssencmode=require", 3, "GSSAPI encryption"),
    ("channel_binding=require", 3, "channel binding required"),
    ("requirepassword=yes", 2, 'invalid URI query parameter: "***"'),
])
def test_bad_options_end_it_at_once(run, options, code, reason):
    with ScriptedPostgres(welcome()) as server:
        done = run("wait", env=settings(f"{server.url}?{options}", DATABASE_WAIT_TIMEOUT="25s"))
    assert done.code == code, done
    assert reason in done.text
    assert "trying again" not in done.text
    assert "s3cr3t" not in done.text


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for db.example and its key, in one file each."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=db.example", "-addext", "subjectAltName=DNS:db.example", "-keyout", folder / "key", "-out", folder / "certificate"],
        check=True, capture_output=True,
    )
    return folder / "certificate"


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.parent / "key")
    return context


def test_a_certificate_that_is_not_trusted_ends_it_at_once(run, tls, certificate, tmp_path):
    hint = "check the server's certificate, and sslmode and sslrootcert in DATABASE_URL"
    other = tmp_path / "other"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-keyout", "/dev/null",
                    "-out", other], check=True, capture_output=True)
    with ScriptedPostgres(welcome(), tls=tls) as server:
        for options, reason in (
            (f"sslmode=verify-full&sslrootcert={other}", "certificate verify failed"),
            (f"sslmode=verify-ca&sslrootcert={other}", "certificate verify failed"),
            ("sslmode=verify-ca&sslrootcert=/no/file", 'root certificate file "/no/file" does not exist'),
            (f"sslmode=verify-full&sslrootcert={certificate}", 'does not match host name "127.0.0.1"'),
        ):
            assert_given_up_at_once(run, f"{server.url}?{options}", reason, hint)
        assert server.logins == 0
        url = f"postgresql://u@db.example:{server.port}/d?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={certificate}"
        assert run("wait", env=settings(url)).code == 0


def test_a_server_that_wants_another_certificate_of_ours_ends_it_at_once(run, tls):
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.maximum_version = ssl.TLSVersion.TLSv1_2  # in 1.3 the client believes that it is through, and is told later
    with ScriptedPostgres(welcome(), tls=tls) as server:
        assert_given_up_at_once(run, f"{server.url}?sslmode=require", "alert", "check the options in DATABASE_URL")


def test_silent_server_costs_one_attempt(run):
    """Each attempt has a limit of its own, far below the deadline."""
    with ScriptedPostgres(stay_silent, welcome()) as server:
        assert_waited_out(run, server, "no answer within 5000 ms")


@pytest.mark.parametrize("answer", [stay_silent, welcome(query=b"")])
def test_the_deadline_holds_for_a_server_that_falls_silent(run, answer):
    with ScriptedPostgres(answer) as server:
        done = run("wait", env=settings(server.url, DATABASE_WAIT_TIMEOUT="400ms"), timeout=10)
    assert done.code == 3, done
    assert re.search(rf"PostgreSQL was not ready within 400 ms: .*u@127\.0\.0\.1:{server.port}/d", done.text), done
    assert server.logins == 1
    assert "s3cr3t" not in done.text


def test_the_delays_grow_and_stay_below_a_limit(run):
    """From 100 ms to 2 s, each ±20 %."""
    with ScriptedPostgres(*[refuse("57P03")] * 7, welcome()) as server:
        done = run("wait", env=settings(server.url))
    assert done.code == 0, done
    for delay, nominal in zip(delays(done.text), [100, 200, 400, 800, 1600, 2000, 2000], strict=True):
        assert nominal * 0.8 <= delay <= nominal * 1.2, done


def test_a_server_that_begins_to_answer_is_asked_soon_again(service):
    """The port opens while the server still starts: the delay that has grown until then must not be kept."""
    server = ScriptedPostgres(refuse("57P03"), welcome())
    waiting = service("wait", env=settings(server.url))
    waiting.wait_log("trying again in 7")  # 700 ms and some: the longest but for the jitter
    with server:
        assert waiting.wait() == 0, waiting.log()
    *closed, starting = delays(waiting.log())
    assert max(closed) <= 840, waiting.log()
    assert starting <= 120, waiting.log()


def socket_log(log):
    """What the wait said of a server on a socket, in order."""
    return re.findall(r"PostgreSQL (answers on its socket|is not ready|is ready|was not ready)", log)


def test_one_success_on_a_socket_is_not_enough(service):
    """As the official image's first start: the server answers, goes away, comes back, and only then stays."""
    def answer_and_leave(session):
        server.close()
        welcome()(session)

    with ScriptedPostgres(answer_and_leave, welcome(), local=True) as server:
        waiting = service("wait", env=settings(server.url))
        waiting.wait_log("trying again in")
        assert "is ready" not in waiting.log()
        server.open()
        assert waiting.wait() == 0, waiting.log()
    steps = socket_log(waiting.log())
    assert steps[0] == "answers on its socket" and "is not ready" in steps, waiting.log()
    assert steps[-2:] == ["answers on its socket", "is ready"], waiting.log()
    assert server.logins == 3


def test_the_two_successes_on_a_socket_follow_each_other(run):
    with ScriptedPostgres(welcome(), refuse("57P03"), welcome(), local=True) as server:
        done = run("wait", env=settings(server.url))
    assert done.code == 0, done
    assert socket_log(done.text) == ["answers on its socket", "is not ready", "answers on its socket", "is ready"]
    assert "asking again in 1000 ms" in done.text
    assert "(attempt 4, after " in done.text


def test_a_running_server_on_a_socket_is_ready_however_short_the_timeout_is(run):
    with ScriptedPostgres(welcome(), local=True) as server:
        done = run("wait", env=settings(server.url, DATABASE_WAIT_TIMEOUT="100ms"))
    assert done.code == 0, done
    assert server.logins == 2
    with ScriptedPostgres(welcome(), refuse("57P01"), local=True) as server:
        done = run("wait", env=settings(server.url, DATABASE_WAIT_TIMEOUT="100ms"))
    assert done.code == 3, done
    assert "PostgreSQL was not ready within 100 ms: " in done.text


def test_over_tcp_one_success_is_enough(run):
    with ScriptedPostgres(welcome()) as server:
        done = run("wait", env=settings(server.url))
    assert done.code == 0, done
    assert "(attempt 1, after " in done.text
    assert "socket" not in done.text
    assert server.connections == 1
