// An example: put the files of your modules beside it, and name them in kustomization.yaml.
import { Gauge } from "prom-client";

const beat = new Gauge({ name: "heartbeat_timestamp_seconds", help: "When this module was collected last" });

export function process(): void {
	beat.setToCurrentTime();
}
