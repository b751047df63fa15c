import type { RestartReason } from "./restart-policy.ts";

/** What the author or the operator of a module can do about the reason of its last restart: one sentence each. */
export const RESTART_ADVICE: Readonly<Record<RestartReason, string>> = {
	crash:
		"Handle the error where it is thrown, and the rejection of every promise; an error that a tool or process() throws costs that call only.",
	exit: "Do not end the process (process.exit); throw an error, which costs that call only.",
	hang: "Look for an endless loop or for blocking work and await instead, or raise HANG_TIMEOUT_MS (hangTimeoutMs in plugins.yaml).",
	out_of_memory:
		"Look for what the module keeps and never lets go of, or raise MODULE_MEMORY_MB (memoryMb in plugins.yaml).",
	call_timeout:
		"Make the tool answer sooner and heed its signal, or raise CALL_TIMEOUT_MS (callTimeoutMs in plugins.yaml).",
	collect_timeout: "Make process() return sooner, or raise COLLECT_TIMEOUT_MS (timeoutMs in plugins.yaml).",
	reload: "Nothing: a newer version has taken its place.",
	manual: "Nothing: somebody asked for it.",
	policy: "Nothing: its part of plugins.yaml has changed.",
};
