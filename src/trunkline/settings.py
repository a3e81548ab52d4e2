"""Every setting of the installation, with its default and its meaning.

All come from the environment. Only `cli` and `roles` read this; the parts below are handed plain values.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _env(name: str) -> AliasChoices:
    return AliasChoices(name)


class Settings(BaseSettings):
    """The environment of one process, read once."""

    # By name for code; without the prefix, the names would be read from the environment too, and HOME is there.
    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_prefix="TRUNKLINE_")

    home: Annotated[Path, Field(validation_alias=_env("TRUNKLINE_HOME"))] = Path("~/.trunkline").expanduser()
    """Folder of everything that is kept: database, recordings, models, keys, journals."""
    database_url: Annotated[str | None, Field(validation_alias=_env("DATABASE_URL"))] = None
    """`postgresql://…` of a server of your own; unset: the embedded PostgreSQL under `home`."""

    bind: Annotated[str, Field(validation_alias=_env("TRUNKLINE_BIND"))] = "127.0.0.1"
    """Address that HTTP, SIP and RTP listen on."""
    http_port: Annotated[int, Field(validation_alias=_env("TRUNKLINE_HTTP_PORT"))] = 8000
    sip_port: Annotated[int, Field(validation_alias=_env("TRUNKLINE_SIP_PORT"))] = 5060
    """UDP and TCP; TLS on the next."""
    rtp_ports: Annotated[str, Field(validation_alias=_env("TRUNKLINE_RTP_PORTS"))] = "20000-29999"
    voice_port: Annotated[int, Field(validation_alias=_env("TRUNKLINE_VOICE_PORT"))] = 8010
    """The voice process's own HTTP: control of live calls and their events."""
    public_url: Annotated[str | None, Field(validation_alias=_env("TRUNKLINE_PUBLIC_URL"))] = None
    """How the outside reaches the API, for links in answers; unset: http://bind:http_port."""
    lines_url: Annotated[str | None, Field(validation_alias=_env("TRUNKLINE_LINES_URL"))] = None
    """How carriers reach the WebSockets of the voice processes (wss://voice.example.com); unset: ws://bind:voice_port."""
    public_ip: Annotated[str | None, Field(validation_alias=_env("TRUNKLINE_PUBLIC_IP"))] = None
    """Address written into SDP; unset: bind."""
    sip_tls_cert: Annotated[Path | None, Field(validation_alias=_env("TRUNKLINE_SIP_TLS_CERT"))] = None
    """PEM file of the certificate chain that callers over TLS are shown, ours first; unset: nobody calls over TLS."""
    sip_tls_key: Annotated[Path | None, Field(validation_alias=_env("TRUNKLINE_SIP_TLS_KEY"))] = None
    """PEM file of its private key, without a passphrase."""

    models: Annotated[Path | None, Field(validation_alias=_env("TRUNKLINE_MODELS"))] = None
    """Folder that model files are read from and pulled into; unset: home/models."""
    blobs: Annotated[str | None, Field(validation_alias=_env("TRUNKLINE_BLOBS"))] = None
    """Where recordings lie: a folder (or, later, s3://…); unset: home/blobs."""

    api_key: Annotated[SecretStr | None, Field(validation_alias=_env("TRUNKLINE_API_KEY"))] = None
    """The first workspace's key, if it is to be chosen: 16 to 200 printable characters."""
    secret_key: Annotated[SecretStr | None, Field(validation_alias=_env("TRUNKLINE_SECRET_KEY"))] = None
    """Encrypts secrets at rest and pepper of the key hashes; unset: made under home."""

    llm_base_url: Annotated[str | None, Field(validation_alias=_env("TRUNKLINE_LLM_BASE_URL"))] = None
    """OpenAI-compatible endpoint of the language model; unset: the local model server."""
    llm_api_key: Annotated[SecretStr | None, Field(validation_alias=_env("TRUNKLINE_LLM_API_KEY"))] = None
    llm_routes: Annotated[Path | None, Field(validation_alias=_env("TRUNKLINE_LLM_ROUTES"))] = None
    """JSON file: model name → {base_url, api_key, model}."""
    llm_fallback: Annotated[str | None, Field(validation_alias=_env("TRUNKLINE_LLM_FALLBACK"))] = None
    """A name in llm_routes that answers where llm_base_url fails. A route that fails is answered by llm_base_url."""
    llm_embedded: Annotated[bool, Field(validation_alias=_env("TRUNKLINE_LLM_EMBEDDED"))] = False
    """Set by the supervisor when llm_base_url is its own local model server."""
    stt_base_url: Annotated[str | None, Field(validation_alias=_env("TRUNKLINE_STT_BASE_URL"))] = None
    stt_api_key: Annotated[SecretStr | None, Field(validation_alias=_env("TRUNKLINE_STT_API_KEY"))] = None
    tts_base_url: Annotated[str | None, Field(validation_alias=_env("TRUNKLINE_TTS_BASE_URL"))] = None
    tts_api_key: Annotated[SecretStr | None, Field(validation_alias=_env("TRUNKLINE_TTS_API_KEY"))] = None

    deepgram_api_key: Annotated[SecretStr | None, Field(validation_alias=_env("DEEPGRAM_API_KEY"))] = None
    """Deepgram hears and speaks where agents ask for it, and where the local models would; a workspace's own secret
    `deepgram` goes before it."""
    elevenlabs_api_key: Annotated[SecretStr | None, Field(validation_alias=_env("ELEVENLABS_API_KEY"))] = None
    """The same for ElevenLabs."""

    outbound_allow: Annotated[str, Field(validation_alias=_env("TRUNKLINE_OUTBOUND_ALLOW"))] = ""
    """Hosts and networks, separated by commas, that webhooks, actions and tool servers may reach though private."""

    rate_limit: Annotated[int, Field(validation_alias=_env("TRUNKLINE_RATE_LIMIT"), ge=0)] = 6000
    """Requests a minute that one workspace may send to one API process; 0: no limit."""

    max_calls: Annotated[int | None, Field(validation_alias=_env("TRUNKLINE_MAX_CALLS"), ge=1)] = None
    """Calls a voice process admits; unset: 2 with the embedded language model, else 100."""

    @property
    def models_folder(self) -> Path:
        return self.models or self.home / "models"

    @property
    def blobs_folder(self) -> Path:
        return Path(self.blobs) if self.blobs else self.home / "blobs"

    @property
    def base_url(self) -> str:
        return (self.public_url or f"http://{self.bind}:{self.http_port}").rstrip("/")

    @property
    def call_capacity(self) -> int:
        if self.max_calls is not None:
            return self.max_calls
        return 2 if self.llm_embedded or self.llm_base_url is None else 100
