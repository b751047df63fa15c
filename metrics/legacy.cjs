// A metric module in CommonJS, as older code has it: `require`, and the contract on `exports`.
// The counter has no label, so it is on the page from the first collection on.

const { Counter } = require("prom-client");

const collections = new Counter({
	name: "legacy_collections_total",
	help: "How often this module has been collected",
});

exports.process = () => {
	collections.inc();
};
