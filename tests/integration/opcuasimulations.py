"""The methods of the Simulation object as a client calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request

VT = ua.VariantType


@dataclass(frozen=True)
class Engineer:
    """Somebody who calls them."""

    client: Client
    server: OpcUaTestServer

    async def call(self, method: str, *arguments: ua.Variant, diagnostics: int = 0) -> Any:
        """The whole response to a call of a method of the Simulation object."""
        node_ids = [self.server.node_id(name) for name in ("Simulation", f"Simulation.{method}")]
        wanted = ua.CallMethodRequest(*node_ids, list(arguments))
        sent = request(ua.CallRequest, MethodsToCall=[wanted])
        sent.RequestHeader.ReturnDiagnostics = diagnostics
        return await answer(self.client, ua.CallResponse, sent)

    async def result(self, method: str, *arguments: ua.Variant) -> ua.CallMethodResult:
        """The result of a call."""
        return (await self.call(method, *arguments)).Results[0]

    async def start(self, scenario: str, target: str, duration: float = 0.0, **parameters: float) -> str:
        """Start a simulation; its id."""
        result = await self.result("Start", *start_arguments(scenario, target, duration, **parameters))
        assert result.StatusCode.is_good(), result
        return str(result.OutputArguments[0].Value)

    async def stop(self, simulation: str) -> None:
        """Stop one."""
        result = await self.result("Stop", ua.Variant(simulation, VT.String))
        assert result.StatusCode.is_good(), result

    async def stop_all(self) -> None:
        """Stop those that run."""
        for simulation in (await self.result("List")).OutputArguments[0].Value:
            await self.stop(simulation)

    async def adjust(self, simulation: str, **parameters: float) -> None:
        """Adjust one."""
        result = await self.result("Adjust", ua.Variant(simulation, VT.String), *_parameters(parameters))
        assert result.StatusCode.is_good(), result

    async def status(self, name: str) -> Any:
        """The value of a status variable."""
        return await self.client.get_node(self.server.node_id(f"Simulation.{name}")).read_value()


def start_arguments(
    scenario: str, target: str, duration: float = 0.0, **parameters: float
) -> list[ua.Variant]:
    """Arguments of Start."""
    texts = [ua.Variant(text, VT.String) for text in (scenario, target)]
    return [*texts, ua.Variant(duration, VT.Double), *_parameters(parameters)]


def _parameters(parameters: dict[str, float]) -> list[ua.Variant]:
    return [
        ua.Variant(list(parameters), VT.String, is_array=True),
        ua.Variant([float(value) for value in parameters.values()], VT.Double, is_array=True),
    ]
