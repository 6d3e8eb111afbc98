"""The wall between the planes: frozen values the control plane compiles and the data plane serves from."""
