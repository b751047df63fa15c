/**
 * Whether a command line asks for the host itself, which is started under any Node and with nothing installed. Every other
 * command is read by src/cli, which may use packages and runs under a Node that is new enough.
 *
 * @param args the command line without Node and the script
 */
export function startsHost(args: readonly string[]): boolean {
	return args.length === 0 || (args.length === 1 && args[0] === "start");
}
