/** The autopilot inside an application: `createAgent()`, and what goes in and out of it. */
export { createAgent } from './agent.ts';
export type { HostPrincipal, Scope } from './contract/principal.ts';
export type { AgentOptions, ControlPlaneProgram } from './host/agent-environment.ts';
export type { Agent, AgentStatus, InstrumentOptions } from './host/hosted-agent.ts';
export { AutopilotError } from './kernel/errors.ts';
export type { JobRun } from './track/job-recorder.ts';
