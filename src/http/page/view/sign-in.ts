import { node, type PageNode } from "./node.ts";

/** @param problem why the last token was not taken */
export function signInView(problem: string | undefined): readonly PageNode[] {
	return [
		node("h1", { "data-key": "title" }, "Sign in"),
		node(
			"form",
			{ class: "try", "data-form": "sign-in", "data-key": "sign-in", method: "post" },
			node("p", {}, "This host asks who you are. The token stays in this tab and is sent to this host only."),
			node(
				"div",
				{ class: "field" },
				node("label", { for: "token" }, "Token"),
				node("input", {
					id: "token",
					type: "password",
					autocomplete: "off",
					required: true,
					"aria-describedby": problem === undefined ? undefined : "token-problem",
				}),
				problem !== undefined && node("p", { id: "token-problem", class: "severity", role: "alert" }, problem),
			),
			node("button", { type: "submit" }, "Sign in"),
		),
	];
}
