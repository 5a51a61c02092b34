"""Work off the GUI thread: each worker calls one verb of the engine and can be cancelled."""
