"""Node A's join server: gives a node with a token its certificate, and a node with a certificate the next one."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from psycopg import Error
from psycopg.conninfo import conninfo_to_dict
from pydantic import BaseModel, ValidationError

from activities.artifacts.database import open_database
from activities.artifacts.node_roles import create_node_login, drop_node_login
from hydranet.errors import UsageError
from workers.cluster.door import Door
from workers.cluster.folder import ClusterFolder
from workers.cluster.messages import JoinAnswer, JoinRefusal, JoinRequest, Login, RenewAnswer, RenewRequest
from workers.cluster.registry import NodeRecord, Registry
from workers.cluster.throttle import Throttle, ThrottledError
from workers.cluster.tokens import RefusedTokenError, Tokens
from workers.sealing import KeyRing
from workers.versions import check_version

_BODY_LIMIT = 64 << 10
_Model = TypeVar("_Model", bound=BaseModel)


class Services(NamedTuple):
    """What nodes are given a way to: the database as its owner knows it, Temporal's namespace, and the keys.

    `log` writes a line into the stack's log.
    """

    database: str
    namespace: str
    keys: KeyRing
    log: Callable[[str], None]


class JoinServer:
    """The server at `port`, whose neighbours are Temporal and PostgreSQL at the two next ports."""

    def __init__(self, folder: ClusterFolder, services: Services, listen: str, port: int) -> None:
        self._folder = folder
        self._services = services
        self._listen = listen
        self._port = port
        self._authority = folder.load_authority()
        self._tokens = Tokens(folder)
        self._registry = Registry(folder)
        self._changing = asyncio.Lock()
        self._throttle = Throttle()
        self.application = web.Application(client_max_size=_BODY_LIMIT, middlewares=[self._explain])
        self.application.router.add_get("/authority", self._show_authority)
        self.application.router.add_post("/join", self._join)
        self.application.router.add_post("/renew", self._renew)
        self.application.router.add_post("/check", self._check)
        self.application.router.add_post("/leave", self._leave)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        # Who joins has none yet. One that is shown has to be ours.
        self._context.verify_mode = ssl.CERT_OPTIONAL
        self._context.load_verify_locations(folder.authority)
        self.reload()

    def reload(self) -> None:
        """Use the certificate of now for the connections to come."""
        self._context.load_cert_chain(self._folder.server, self._folder.server_key)

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve until the block is left. Raises UsageError where the port is taken."""
        runner = web.AppRunner(self.application, access_log=None, shutdown_timeout=1.0, keepalive_timeout=5.0)
        await runner.setup()
        assert runner.server is not None
        door = Door(self._context, runner.server)
        # Not for one family alone where it is for all addresses.
        host = None if self._listen == "::" else self._listen
        listening = None
        try:
            try:
                listening = await asyncio.get_running_loop().create_server(door.build_protocol, host, self._port)
            except OSError as error:
                raise UsageError(
                    f"The cluster's port {self._port} cannot be listened on ({error.strerror}): end what listens "
                    "there, or set 'cluster.port' and 'cluster.listen'."
                ) from None
            yield
        finally:
            if listening is not None:
                listening.close()
            door.close()
            await runner.cleanup()

    async def _show_authority(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.Response(text=self._authority.certificate, content_type="application/x-pem-file")

    async def _join(self, request: web.Request) -> web.Response:
        asked = await _read(request, JoinRequest)
        async with self._changing:
            self._tokens.check(asked.secret, asked.role)
            check_version(asked.version)
            self._registry.check_name(asked.name)
            issued = self._authority.issue_node(asked.request, asked.name, asked.role)
            password = secrets.token_urlsafe(32)
            async with open_database(self._services.database) as pool:
                user = await create_node_login(pool, asked.role, asked.name, password)
                try:
                    self._tokens.take(asked.secret, asked.role)
                    self._registry.add(asked.name, asked.role, user, request.remote or "", issued)
                except UsageError:
                    await drop_node_login(pool, user)
                    raise
        self._services.log(f"The node {asked.name} ({asked.role}) joined from {request.remote}.")
        database = str(conninfo_to_dict(self._services.database)["dbname"])
        return _answer(
            JoinAnswer(
                certificate=issued.certificate,
                temporal_port=self._port + 1,
                namespace=self._services.namespace,
                login=Login(port=self._port + 2, database=database, user=user, password=password),
                seal=self._services.keys.export_role(asked.role),
            )
        )

    async def _renew(self, request: web.Request) -> web.Response:
        serial, node = self._authenticate(request)
        asked = await _read(request, RenewRequest)
        issued = self._authority.issue_node(asked.request, node.name, node.role)
        self._registry.renew(serial, issued)
        return _answer(RenewAnswer(certificate=issued.certificate, seal=self._services.keys.export_role(node.role)))

    async def _check(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        return web.json_response({})

    async def _leave(self, request: web.Request) -> web.Response:
        _, node = self._authenticate(request)
        await revoke_node(self._folder, self._services.database, node.name)
        self._services.log(f"The node {node.name} ({node.role}) left.")
        return web.json_response({})

    @web.middleware
    async def _explain(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        address, is_node = request.remote or "", bool(request.get_extra_info("peercert"))
        try:
            if not is_node:
                self._throttle.check(address)
            return await handler(request)
        except ThrottledError as error:
            return web.Response(status=429, text=JoinRefusal(error=str(error)).model_dump_json())
        except web.HTTPException:
            self._throttle.note(address)
            raise
        except UsageError as error:
            if not is_node:
                self._throttle.note(address)
            self._services.log(f"{request.path} from {address} was refused: {error}")
            status = 403 if isinstance(error, RefusedTokenError) else 409
            return web.Response(status=status, text=JoinRefusal(error=str(error)).model_dump_json())
        except Error as error:
            self._services.log(f"{request.path} from {request.remote} failed: {error}")
            text = "Node A's database does not answer, so that nothing has changed: try again in a moment."
            return web.Response(status=503, text=JoinRefusal(error=text).model_dump_json())

    def _authenticate(self, request: web.Request) -> tuple[str, NodeRecord]:
        certificate = request.get_extra_info("peercert") or {}
        serial = str(certificate.get("serialNumber", "")).lower().lstrip("0")
        node = self._registry.find(serial) if serial else None
        if node is None:
            raise RefusedTokenError(
                "Node A knows no valid certificate of this node, or it was revoked: run `hydra cluster leave` here, "
                "and join again with a new token."
            )
        return serial, node


async def revoke_node(folder: ClusterFolder, database: str, name: str) -> NodeRecord:
    """Shut a node out, by its name or a serial number: its certificates, and its login to the database.

    Its connections end when the front starts again with the new list, a moment later.
    """
    node = await asyncio.to_thread(Registry(folder).revoke, name)
    async with open_database(database) as pool:
        await drop_node_login(pool, node.login)
    return node


async def _read(request: web.Request, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError:
        raise UsageError("The request is malformed: join with the same version of HydraNet as node A.") from None


def _answer(model: BaseModel) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")
